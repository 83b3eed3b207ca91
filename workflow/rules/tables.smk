rule table:
    input:
        lambda w: [f"{RESULTS}/{path}" for path in needed(STUDY, w.table)],
    output:
        multiext(f"{REPORT}/tables/{{table}}", ".csv", ".tex", ".html"),
    log:
        f"{LOGS}/tables/{{table}}.log",
    benchmark:
        f"{LOGS}/tables/{{table}}.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("tables")
    resources:
        **resources_of("tables"),
    params:
        study=STUDY_FILE,
        results=lambda w: RESULTS,
        folder=lambda w, output: Path(output[0]).parent,
        slice=depends_on(table_keys()),
    message:
        "table {wildcards.table}"
    shell:
        "python -m entrec table --study {params.study} --name {wildcards.table}"
        " --results {params.results} --output {params.folder} &> {log}"


# one target a table: `snakemake table_1`
for name in TABLES:

    rule:
        name:
            name
        input:
            f"{REPORT}/tables/{name}.csv",


rule tables:
    input:
        expand(f"{REPORT}/tables/{{table}}.csv", table=TABLES),
