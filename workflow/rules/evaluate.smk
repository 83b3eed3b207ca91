rule evaluate:
    input:
        data=f"{DATA}/{STUDY.dataset}/card.json",
        encoder=f"{RESULTS}/{{run}}/encoder.safetensors",
    output:
        f"{RESULTS}/{{run}}/evaluation.json",
    log:
        f"{LOGS}/evaluate/{{run}}.log",
    benchmark:
        f"{LOGS}/evaluate/{{run}}.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        study=STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        slice=depends_on(evaluate_keys()),
    message:
        "evaluate {wildcards.run}"
    shell:
        "python -m entrec evaluate --study {params.study} --run {wildcards.run} --data {params.data}"
        " --encoder {input.encoder} --output {output} &> {log}"


rule transfer:
    input:
        data=f"{DATA}/{{dataset}}/card.json",
        encoder=f"{RESULTS}/{{run}}/encoder.safetensors",
    output:
        f"{RESULTS}/{{run}}/transfer/{{dataset}}.json",
    log:
        f"{LOGS}/transfer/{{run}}-{{dataset}}.log",
    benchmark:
        f"{LOGS}/transfer/{{run}}-{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("transfer")
    resources:
        **resources_of("transfer"),
    params:
        study=STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        slice=lambda w: depends_on(transfer_keys(w.dataset)),
    message:
        "transfer {wildcards.run} to {wildcards.dataset}"
    shell:
        "python -m entrec transfer --study {params.study} --run {wildcards.run} --dataset {wildcards.dataset}"
        " --data {params.data} --encoder {input.encoder} --output {output} &> {log}"
