rule evaluate:
    """Score the encoder of one run by linear and nearest-neighbour classification."""
    input:
        data=PATHS.dataset(STUDY.dataset).card,
        encoder=RUN.encoder,
        description=RUN.description,
    output:
        RUN.evaluation,
    log:
        LOGS.log("evaluate", "{run}"),
    benchmark:
        LOGS.benchmark("evaluate", "{run}")
    conda:
        "../../environment.yml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        study=lambda w: STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        slice=depends_on(evaluate_keys()),
    message:
        "evaluate {wildcards.run}"
    shell:
        "python -m entrec evaluate --study {params.study:q} --run {wildcards.run:q} --data {params.data:q}"
        " --encoder {input.encoder:q} --output {output:q} &> {log:q}"


rule transfer:
    """Fine-tune the encoder of one run on another dataset, and score it."""
    input:
        data=DATASET.card,
        encoder=RUN.encoder,
        description=RUN.description,
    output:
        RUN.transfer("{dataset}"),
    log:
        LOGS.log("transfer", "{run}-{dataset}"),
    benchmark:
        LOGS.benchmark("transfer", "{run}-{dataset}")
    conda:
        "../../environment.yml"
    threads: threads_of("transfer")
    resources:
        **resources_of("transfer"),
    params:
        study=lambda w: STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        slice=lambda w: depends_on(transfer_keys(w.dataset)),
    message:
        "transfer {wildcards.run} to {wildcards.dataset}"
    shell:
        "python -m entrec transfer --study {params.study:q} --run {wildcards.run:q} --dataset {wildcards.dataset:q}"
        " --data {params.data:q} --encoder {input.encoder:q} --output {output:q} &> {log:q}"
