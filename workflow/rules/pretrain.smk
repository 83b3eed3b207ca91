rule pretrain:
    """Train the encoder of one run, or go on from its checkpoint."""
    input:
        data=PATHS.dataset(STUDY.dataset).card,
    output:
        encoder=RUN.encoder,
        history=RUN.history,
        description=RUN.description,
        # not the circumstances beside it, as in every rule: what was fetched has none, and is complete without them
    log:
        LOGS.log("pretrain", "{run}"),
    benchmark:
        LOGS.benchmark("pretrain", "{run}")
    conda:
        "../../environment.yml"
    threads: threads_of("pretrain")
    resources:
        **resources_of("pretrain"),
    params:
        study=lambda w: STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        folder=lambda w, output: Path(output.encoder).parent,
        slice=lambda w: depends_on(pretrain_keys(STUDY, Run.parse(w.run).method)),
    message:
        "pretrain {wildcards.run}"
    shell:
        # `exec` replaces the shell, which a signal would kill, leaving the training without a parent
        "exec python -m entrec pretrain --study {params.study:q} --run {wildcards.run:q}"
        " --data {params.data:q} --output {params.folder:q} &> {log:q}"
