rule pretrain:
    input:
        data=f"{DATA}/{STUDY.dataset}/card.json",
    output:
        encoder=f"{RESULTS}/{{run}}/encoder.safetensors",
        history=f"{RESULTS}/{{run}}/history.csv",
        description=f"{RESULTS}/{{run}}/run.json",
    log:
        f"{LOGS}/pretrain/{{run}}.log",
    benchmark:
        f"{LOGS}/pretrain/{{run}}.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("pretrain")
    resources:
        **resources_of("pretrain"),
    params:
        study=STUDY_FILE,
        data=lambda w, input: Path(input.data).parent,
        folder=lambda w, output: Path(output.encoder).parent,
        slice=lambda w: depends_on(pretrain_keys(STUDY, Run.parse(w.run).method)),
    message:
        "pretrain {wildcards.run}"
    shell:
        # exec: a signal must meet no shell that would die of it and leave the training without a parent
        "exec python -m entrec pretrain --study {params.study} --run {wildcards.run}"
        " --data {params.data} --output {params.folder} &> {log}"
