# The theory studies that train encoders: recovered latents (C2) and isolated content (C3).


rule theory_latent_recovery:
    output:
        result="results/theory/{setting}/latent_recovery/{fit}/run.json",
        encoder="results/theory/{setting}/latent_recovery/{fit}/encoder.safetensors",
        process="results/theory/{setting}/latent_recovery/{fit}/process.safetensors",
    log:
        "logs/theory/{setting}/latent_recovery/{fit}.log",
    benchmark:
        "logs/theory/{setting}/latent_recovery/{fit}.tsv"
    wildcard_constraints:
        setting=RESULT_SETTINGS,
    conda:
        "../../environment.yml"
    threads: theory_asks("latent_recovery", "threads")
    resources:
        **theory_resources("latent_recovery"),
    params:
        study=THEORY_FILE,
        folder=lambda w, output: Path(output.result).parent,
        slice=theory_depends_on(latent_recovery_keys),
    message:
        "theory_latent_recovery {wildcards.setting}/{wildcards.fit}"
    shell:
        "python -m entrec theory latent-recovery --study {params.study} --setting {wildcards.setting}"
        " --run {wildcards.fit} --output {params.folder} &> {log}"


rule theory_content_isolation:
    output:
        result="results/theory/{setting}/content_isolation/{fit}/run.json",
        encoder="results/theory/{setting}/content_isolation/{fit}/encoder.safetensors",
        process="results/theory/{setting}/content_isolation/{fit}/process.safetensors",
    log:
        "logs/theory/{setting}/content_isolation/{fit}.log",
    benchmark:
        "logs/theory/{setting}/content_isolation/{fit}.tsv"
    wildcard_constraints:
        setting=RESULT_SETTINGS,
    conda:
        "../../environment.yml"
    threads: theory_asks("content_isolation", "threads")
    resources:
        **theory_resources("content_isolation"),
    params:
        study=THEORY_FILE,
        folder=lambda w, output: Path(output.result).parent,
        slice=theory_depends_on(content_isolation_keys),
    message:
        "theory_content_isolation {wildcards.setting}/{wildcards.fit}"
    shell:
        "python -m entrec theory content-isolation --study {params.study} --setting {wildcards.setting}"
        " --run {wildcards.fit} --output {params.folder} &> {log}"
