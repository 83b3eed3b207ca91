rule table:
    """Make one table from the results that it shows, as CSV, LaTeX and HTML."""
    input:
        lambda w: JOBS.table(w.table).inputs,
    output:
        with_record(REPORT.table("{table}")),
    log:
        LOGS.log("tables", "{table}"),
    benchmark:
        LOGS.benchmark("tables", "{table}")
    wildcard_constraints:
        table=one_of(TABLES),
    conda:
        "../../environment.yml"
    threads: threads_of("tables")
    resources:
        **resources_of("tables"),
    params:
        study=lambda w: STUDY_FILE,
        results=lambda w: str(PATHS.results),
        folder=lambda w, output: Path(output[0]).parent,
        slice=depends_on(table_keys()),
    message:
        "table {wildcards.table}"
    shell:
        "python -m entrec table --study {params.study:q} --name {wildcards.table:q}"
        " --results {params.results:q} --output {params.folder:q} &> {log:q}"


# Each table is a target of its own, such as `snakemake table_1`.
for name in TABLES:

    rule:
        """The table that this target is named after."""
        name:
            name
        input:
            REPORT.table(name)[0],


rule tables:
    """All tables of the study."""
    input:
        JOBS.tables,
