rule report:
    """Render the page of the study from all its tables and results."""
    input:
        JOBS.report().inputs,
    output:
        page=report(REPORT.page, category="Report"),
        figures=directory(REPORT.figures),
        notebooks=directory(REPORT.notebooks),
        provenance=REPORT.provenance,
        record=record_of(REPORT.page),
    log:
        LOGS.log("report"),
    benchmark:
        LOGS.benchmark("report")
    conda:
        "../../environment.yml"
    threads: threads_of("report")
    resources:
        **resources_of("report"),
    params:
        study=lambda w: STUDY_FILE,
        data=lambda w: str(PATHS.data),
        results=lambda w: str(PATHS.results),
        folder=lambda w, output: Path(output.page).parent,
        slice=depends_on(report_keys()),
    message:
        "render {output.page}"
    shell:
        "python -m entrec report --study {params.study:q} --data {params.data:q}"
        " --results {params.results:q} --output {params.folder:q} &> {log:q}"
