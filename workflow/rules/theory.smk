# The theory studies of params/theory.yaml: synthetic data, in the settings `quick` and `full`. `all` leaves them out.
# Every step is one command with other options, so that each rule after the first says only what differs.


wildcard_constraints:
    setting=one_of(THEORY),


rule theory_gaussian:
    """Train one bound of mutual information on correlated Gaussians."""
    output:
        SETTING.results.gaussian("{bound}", "{seed}"),
    log:
        SETTING.logs.log("gaussian", "{bound}-s{seed}"),
    benchmark:
        SETTING.logs.benchmark("gaussian", "{bound}-s{seed}")
    wildcard_constraints:
        setting=setting_pattern(THEORY.values()),
    conda:
        "../../environment.yml"
    threads: lambda w, rulename: theory_asks(w, rulename).threads
    resources:
        mem_mb=lambda w, rulename: theory_asks(w, rulename).memory_mb,
        runtime=lambda w, rulename: theory_asks(w, rulename).minutes,
        gpu=lambda w, rulename: theory_asks(w, rulename).gpus,
    params:
        step=["gaussian", "--bound", "{bound}", "--seed", "{seed}"],
        study=THEORY_FILE,
        output=lambda w, output: output[0],
        slice=theory_slice(lambda jobs, w: jobs.gaussian(w.bound, int(w.seed))),
    message:
        "theory_gaussian {wildcards.setting}/{wildcards.bound}-s{wildcards.seed}"
    shell:
        # `exec` as in `pretrain`
        "exec python -m entrec theory {params.step:q} --study {params.study:q} --setting {wildcards.setting:q}"
        " --output {params.output:q} &> {log:q}"


use rule theory_gaussian as theory_sphere with:
    """Estimate the information of von Mises-Fisher pairs at their true latents, in one dimension."""
    output:
        SETTING.results.sphere("{dimension}"),
    log:
        SETTING.logs.log("sphere", "d{dimension}"),
    benchmark:
        SETTING.logs.benchmark("sphere", "d{dimension}")
    params:
        step=["sphere", "--dimension", "{dimension}"],
        slice=theory_slice(lambda jobs, w: jobs.sphere(int(w.dimension))),
    message:
        "theory_sphere {wildcards.setting}/d{wildcards.dimension}"


use rule theory_gaussian as theory_rates with:
    """Measure how fast one entropy estimate converges, and fit its exponents."""
    output:
        SETTING.results.rates("{case}"),
    log:
        SETTING.logs.log("rates", "{case}"),
    benchmark:
        SETTING.logs.benchmark("rates", "{case}")
    params:
        step=["rates", "--case", "{case}"],
        slice=theory_slice(lambda jobs, w: jobs.rates(w.case)),
    message:
        "theory_rates {wildcards.setting}/{wildcards.case}"


use rule theory_gaussian as theory_latent_recovery with:
    """Train one encoder to recover latents from their mixtures (claim C2), or go on from its checkpoint."""
    output:
        SETTING.results.latent_recovery("{fit}").trained,
    log:
        SETTING.logs.log("latent_recovery", "{fit}"),
    benchmark:
        SETTING.logs.benchmark("latent_recovery", "{fit}")
    params:
        step=["latent-recovery", "--run", "{fit}"],
        output=lambda w, output: Path(output[0]).parent,
        slice=theory_slice(lambda jobs, w: jobs.latent_recovery(find_run(jobs.latent_recovery_runs, w.fit))),
    message:
        "theory_latent_recovery {wildcards.setting}/{wildcards.fit}"


use rule theory_latent_recovery as theory_content_isolation with:
    """Train one encoder to isolate content from style (claim C3), or go on from its checkpoint."""
    output:
        SETTING.results.content_isolation("{fit}").trained,
    log:
        SETTING.logs.log("content_isolation", "{fit}"),
    benchmark:
        SETTING.logs.benchmark("content_isolation", "{fit}")
    params:
        step=["content-isolation", "--run", "{fit}"],
        slice=theory_slice(lambda jobs, w: jobs.content_isolation(find_run(jobs.content_isolation_runs, w.fit))),
    message:
        "theory_content_isolation {wildcards.setting}/{wildcards.fit}"


use rule theory_latent_recovery as theory_table with:
    """Make one table from the results that it shows, as CSV, LaTeX and HTML."""
    input:
        lambda w: THEORY[w.setting].table(w.table).inputs,
    output:
        with_record(SETTING.report.table("{table}")),
    log:
        SETTING.logs.log("tables", "{table}"),
    benchmark:
        SETTING.logs.benchmark("tables", "{table}")
    wildcard_constraints:
        table=one_of(THEORY_TABLES),
    params:
        step=["table", "--name", "{table}", "--results", str(SETTING.results.folder)],
        slice=theory_slice(lambda jobs, w: jobs.table(w.table)),
    message:
        "theory_table {wildcards.setting}/{wildcards.table}"


use rule theory_table as theory_figure with:
    """Draw one figure from the results that it shows, as SVG, with its numbers as CSV."""
    input:
        lambda w: THEORY[w.setting].figure(w.figure).inputs,
    output:
        with_record(SETTING.report.figure("{figure}")),
    log:
        SETTING.logs.log("figures", "{figure}"),
    benchmark:
        SETTING.logs.benchmark("figures", "{figure}")
    wildcard_constraints:
        figure=one_of(THEORY_FIGURES),
    params:
        step=["figure", "--name", "{figure}", "--results", str(SETTING.results.folder)],
        slice=theory_slice(lambda jobs, w: jobs.figure(w.figure)),
    message:
        "theory_figure {wildcards.setting}/{wildcards.figure}"


use rule theory_table as theory_page with:
    """Render the page of one setting from all its tables, figures and results."""
    input:
        lambda w: THEORY[w.setting].page().inputs,
    output:
        page=report(SETTING.report.page, category="Report"),
        notebooks=directory(SETTING.report.notebooks),
        record=record_of(SETTING.report.page),
    log:
        SETTING.logs.log("report"),
    benchmark:
        SETTING.logs.benchmark("report")
    params:
        step=["report", "--results", str(SETTING.results.folder)],
        slice=theory_slice(lambda jobs, w: jobs.page()),
    message:
        "theory_page {output.page}"


use rule theory_table as theory_provenance with:
    """Render the page of provenance of one setting, which alone shows the circumstances beside the results."""
    input:
        lambda w: THEORY[w.setting].provenance().inputs,
    output:
        page=report(SETTING.report.provenance, category="Report"),
        table=SETTING.report.provenance_table,
        notebook=SETTING.report.provenance_notebook,
        record=record_of(SETTING.report.provenance),
    log:
        SETTING.logs.log("provenance"),
    benchmark:
        SETTING.logs.benchmark("provenance")
    params:
        step=["provenance", "--results", str(SETTING.results.folder)],
        slice=theory_slice(lambda jobs, w: jobs.provenance()),
    message:
        "theory_provenance {output.page}"


# The targets `theory`, `table_latent_recovery`, `figure_latent_recovery` and so on are of the setting `quick`. Those of
# `full` end in `_full`.
for setting, suffix in {"quick": "", "full": "_full"}.items():
    for name, target in TARGETS.items():

        rule:
            """The tables of one part of the theory studies."""
            name:
                f"table_{name}{suffix}"
            input:
                [TheoryPaths(setting).report.table(table)[0] for table in target.tables],

        rule:
            """The figures of one part of the theory studies."""
            name:
                f"figure_{name}{suffix}"
            input:
                [TheoryPaths(setting).report.figure(figure)[0] for figure in target.figures],

    rule:
        """The pages of one setting of the theory studies, with everything on them."""
        name:
            f"theory{suffix}"
        input:
            TheoryPaths(setting).report.page,
            TheoryPaths(setting).report.provenance,
