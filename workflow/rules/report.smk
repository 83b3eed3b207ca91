rule report:
    """Render the page of the study from all its tables and results."""
    input:
        JOBS.report().inputs,
    output:
        page=report(REPORT.page, category="Report"),
        figures=directory(REPORT.figures),
        notebooks=directory(REPORT.notebooks),
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
        step=["report"],
        study=lambda w: STUDY_FILE,
        data=lambda w: str(PATHS.data),
        results=lambda w: str(PATHS.results),
        folder=lambda w, output: Path(output.page).parent,
        slice=depends_on(report_keys()),
    message:
        "render {output.page}"
    shell:
        "python -m entrec {params.step:q} --study {params.study:q} --data {params.data:q}"
        " --results {params.results:q} --output {params.folder:q} &> {log:q}"


use rule report as provenance with:
    """Render the page of provenance, which alone shows the circumstances beside the results."""
    input:
        JOBS.provenance().inputs,
    output:
        page=report(REPORT.provenance, category="Report"),
        table=REPORT.provenance_table,
        notebook=REPORT.provenance_notebook,
        record=record_of(REPORT.provenance),
    log:
        LOGS.log("provenance"),
    benchmark:
        LOGS.benchmark("provenance")
    params:
        step=["provenance"],
