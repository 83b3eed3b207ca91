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
    wildcard_constraints:
        run=one_of(APART),
    conda:
        "../../environment.yml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        step=["evaluate"],
        study=lambda w: STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        output=lambda w, output: output[0],
        slice=depends_on(evaluate_keys()),
    message:
        "evaluate {wildcards.run}"
    shell:
        "python -m entrec {params.step:q} --study {params.study:q} --run {wildcards.run:q} --data {params.data:q}"
        " --encoder {input.encoder:q} --output {params.output:q} &> {log:q}"


use rule evaluate as evaluate_and_transfer with:
    """Score the encoder of one run, and fine-tune and score it on every other dataset, in one process."""
    input:
        data=[PATHS.dataset(name).card for name in dict.fromkeys([STUDY.dataset, *TRANSFERS])],
        encoder=RUN.encoder,
        description=RUN.description,
    output:
        RUN.evaluation,
        [RUN.transfer(name) for name in TRANSFERS],
    wildcard_constraints:
        run=one_of(JOBS.together),
    params:
        step=["evaluate-and-transfer"],
        data=lambda w: str(PATHS.data),
        output=lambda w, output: Path(output[0]).parent,
        slice=lambda w: depends_on(JOBS.evaluate_and_transfer(Run.parse(w.run)).keys),
    message:
        "evaluate_and_transfer {wildcards.run}"


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
    wildcard_constraints:
        run=one_of(APART),
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
