rule prepare:
    """Prepare one dataset of the study as one array of images."""
    input:
        lambda w: watched_originals(JOBS, w.dataset),
    output:
        card=DATASET.card,
        images=DATASET.array,
        labels=DATASET.labels,
        splits=DATASET.splits,
    log:
        LOGS.log("prepare", "{dataset}"),
    benchmark:
        LOGS.benchmark("prepare", "{dataset}")
    wildcard_constraints:
        dataset=one_of(JOBS.datasets(encoded=False)),
    conda:
        "../../environment.yml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
    params:
        study=lambda w: STUDY_FILE,
        folder=lambda w, output: Path(output.card).parent,
        slice=lambda w: depends_on(prepare_keys(w.dataset)),
    message:
        "prepare {wildcards.dataset}"
    shell:
        "python -m entrec prepare --study {params.study:q} --dataset {wildcards.dataset:q}"
        " --output {params.folder:q} &> {log:q}"


use rule prepare as prepare_encoded with:
    """Prepare one dataset whose images stay encoded, in shards."""
    output:
        card=DATASET.card,
        images=directory(DATASET.shards),
        labels=DATASET.labels,
        splits=DATASET.splits,
    wildcard_constraints:
        dataset=one_of(JOBS.datasets(encoded=True)),
