rule prepare:
    input:
        lambda w: STUDY.datasets[w.dataset].path or [],
    output:
        card=f"{DATA}/{{dataset}}/card.json",
        images=f"{DATA}/{{dataset}}/images.npy",
        labels=f"{DATA}/{{dataset}}/labels.npy",
        parts=f"{DATA}/{{dataset}}/parts.npy",
    log:
        f"{LOGS}/prepare/{{dataset}}.log",
    benchmark:
        f"{LOGS}/prepare/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
    params:
        study=STUDY_FILE,
        folder=lambda w, output: Path(output.card).parent,
        slice=lambda w: depends_on(prepare_keys(w.dataset)),
    message:
        "prepare {wildcards.dataset}"
    shell:
        "python -m entrec prepare --study {params.study} --dataset {wildcards.dataset}"
        " --output {params.folder} &> {log}"
