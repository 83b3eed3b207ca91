rule report:
    input:
        tables=rules.tables.input,
        results=list(artefacts(STUDY.runs)),
        cards=expand(f"{DATA}/{{dataset}}/card.json", dataset=STUDY.datasets),
    output:
        page=report(f"{REPORT}/index.html", category="Report"),
    params:
        study=STUDY_FILE,
        results=RESULTS,
        folder=REPORT,
        slice=depends_on(["title", "description", "notes", "evaluation"]),
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{LOGS}/report.tsv"
    conda:
        "entrec"
    threads: threads_of("report")
    resources:
        **resources_of("report"),
    message:
        "render {output.page}"
    shell:
        "python -m entrec report --study {params.study} --results {params.results}"
        " --output {params.folder} &> {log}"
