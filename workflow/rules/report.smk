rule report:
    input:
        tables=rules.tables.input,
        results=list(artefacts(STUDY.runs)),
        cards=expand(f"{DATA}/{{dataset}}/card.json", dataset=STUDY.datasets),
        pages=expand("reports/notebooks/{name}.ipynb", name=["results", "provenance"])
        + expand(
            "reports/templates/{name}",
            name=["base.html.j2", "index.html.j2", "style.css"],
        ),
    output:
        page=report(f"{REPORT}/index.html", category="Report"),
        figures=directory(f"{REPORT}/figures"),
        notebooks=directory(f"{REPORT}/notebooks"),
        provenance=f"{REPORT}/provenance.csv",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{LOGS}/report.tsv"
    conda:
        "../../environment.yml"
    threads: threads_of("report")
    resources:
        **resources_of("report"),
    params:
        study=STUDY_FILE,
        data=lambda w: DATA,
        results=lambda w: RESULTS,
        folder=lambda w, output: Path(output.page).parent,
        slice=depends_on(report_keys()),
    message:
        "render {output.page}"
    shell:
        "python -m entrec report --study {params.study} --data {params.data}"
        " --results {params.results} --output {params.folder} &> {log}"
