# The theory studies: synthetic, always of params/theory.yaml, in two settings. Targets of their own: not in `all`.
from entrec.pipeline.theory_inputs import setting_pattern


wildcard_constraints:
    setting="|".join(SETTINGS),
    bound="|".join(BOUNDS),


# a setting before one of its own results: `quick` has neither the seeds nor the cases of `full`
RESULT_SETTINGS = setting_pattern(THEORY)


rule theory_gaussian:
    output:
        "results/theory/{setting}/gaussian/{bound}-s{seed}.json",
    log:
        "logs/theory/{setting}/gaussian/{bound}-s{seed}.log",
    benchmark:
        "logs/theory/{setting}/gaussian/{bound}-s{seed}.tsv"
    wildcard_constraints:
        setting=RESULT_SETTINGS,
    conda:
        "../../environment.yml"
    threads: theory_asks("gaussian", "threads")
    resources:
        **theory_resources("gaussian"),
    params:
        study=THEORY_FILE,
        slice=theory_depends_on(lambda setting, w: setting.gaussian_keys(w.bound)),
    message:
        "theory_gaussian {wildcards.setting}/{wildcards.bound}-s{wildcards.seed}"
    shell:
        "python -m entrec theory gaussian --study {params.study} --setting {wildcards.setting}"
        " --bound {wildcards.bound} --seed {wildcards.seed} --output {output} &> {log}"


rule theory_sphere:
    output:
        "results/theory/{setting}/sphere/d{dimension}.json",
    log:
        "logs/theory/{setting}/sphere/d{dimension}.log",
    benchmark:
        "logs/theory/{setting}/sphere/d{dimension}.tsv"
    wildcard_constraints:
        setting=RESULT_SETTINGS,
    conda:
        "../../environment.yml"
    threads: theory_asks("sphere", "threads")
    resources:
        **theory_resources("sphere"),
    params:
        study=THEORY_FILE,
        slice=theory_depends_on(
            lambda setting, w: setting.sphere_keys(int(w.dimension))
        ),
    message:
        "theory_sphere {wildcards.setting}/d{wildcards.dimension}"
    shell:
        "python -m entrec theory sphere --study {params.study} --setting {wildcards.setting}"
        " --dimension {wildcards.dimension} --output {output} &> {log}"


rule theory_rates:
    output:
        "results/theory/{setting}/rates/{case}.json",
    log:
        "logs/theory/{setting}/rates/{case}.log",
    benchmark:
        "logs/theory/{setting}/rates/{case}.tsv"
    wildcard_constraints:
        setting=RESULT_SETTINGS,
    conda:
        "../../environment.yml"
    threads: theory_asks("rates", "threads")
    resources:
        **theory_resources("rates"),
    params:
        study=THEORY_FILE,
        slice=theory_depends_on(lambda setting, w: setting.rates_keys(w.case)),
    message:
        "theory_rates {wildcards.setting}/{wildcards.case}"
    shell:
        "python -m entrec theory rates --study {params.study} --setting {wildcards.setting}"
        " --case {wildcards.case} --output {output} &> {log}"


rule theory_table:
    input:
        lambda w: theory_results(w.setting, w.table),
    output:
        multiext(
            "reports/theory/{setting}/tables/{table}",
            ".csv",
            ".tex",
            ".html",
        ),
    log:
        "logs/theory/{setting}/tables/{table}.log",
    benchmark:
        "logs/theory/{setting}/tables/{table}.tsv"
    wildcard_constraints:
        table="|".join(THEORY_TABLES),
    conda:
        "../../environment.yml"
    threads: theory_asks("tables", "threads")
    resources:
        **theory_resources("tables"),
    params:
        study=THEORY_FILE,
        results="results/theory/{setting}",
        folder=lambda w, output: Path(output[0]).parent,
        slice=theory_depends_on(
            lambda setting, w: setting.shown_keys(shown_part(w.table))
        ),
    message:
        "theory_table {wildcards.setting}/{wildcards.table}"
    shell:
        "python -m entrec theory table --study {params.study} --setting {wildcards.setting} --name {wildcards.table}"
        " --results {params.results} --output {params.folder} &> {log}"


rule theory_figure:
    input:
        lambda w: theory_results(w.setting, w.figure),
    output:
        multiext("reports/theory/{setting}/figures/{figure}", ".svg", ".csv"),
    log:
        "logs/theory/{setting}/figures/{figure}.log",
    benchmark:
        "logs/theory/{setting}/figures/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(THEORY_FIGURES),
    conda:
        "../../environment.yml"
    threads: theory_asks("tables", "threads")
    resources:
        **theory_resources("tables"),
    params:
        study=THEORY_FILE,
        results="results/theory/{setting}",
        folder=lambda w, output: Path(output[0]).parent,
        slice=theory_depends_on(
            lambda setting, w: setting.shown_keys(shown_part(w.figure))
        ),
    message:
        "theory_figure {wildcards.setting}/{wildcards.figure}"
    shell:
        "python -m entrec theory figure --study {params.study} --setting {wildcards.setting} --name {wildcards.figure}"
        " --results {params.results} --output {params.folder} &> {log}"


rule theory_page:
    input:
        tables=expand(
            "reports/theory/{{setting}}/tables/{table}.csv", table=THEORY_TABLES
        ),
        figures=expand(
            "reports/theory/{{setting}}/figures/{figure}.svg", figure=THEORY_FIGURES
        ),
        results=lambda w: theory_results(w.setting, *THEORY_TABLES),
        pages=[
            "reports/notebooks/theory.ipynb",
            "reports/templates/base.html.j2",
            "reports/templates/theory.html.j2",
            "reports/templates/style.css",
        ],
    output:
        page=report("reports/theory/{setting}/index.html", category="Report"),
        notebooks=directory("reports/theory/{setting}/notebooks"),
        provenance="reports/theory/{setting}/provenance.csv",
    log:
        "logs/theory/{setting}/report.log",
    benchmark:
        "logs/theory/{setting}/report.tsv"
    conda:
        "../../environment.yml"
    threads: theory_asks("report", "threads")
    resources:
        **theory_resources("report"),
    params:
        study=THEORY_FILE,
        results="results/theory/{setting}",
        folder=lambda w, output: Path(output.page).parent,
        slice=theory_depends_on(lambda setting, w: setting.page_keys()),
    message:
        "theory_page {output.page}"
    shell:
        "python -m entrec theory report --study {params.study} --setting {wildcards.setting}"
        " --results {params.results} --output {params.folder} &> {log}"


# `snakemake theory`, `table_latent_recovery`, `figure_latent_recovery` and so on are of `quick`; with `_full` after them, of `full`.
for setting, suffix in {"quick": "", "full": "_full"}.items():
    for name, part in THEORY_PARTS.items():

        rule:
            name:
                f"table_{name}{suffix}"
            input:
                expand(
                    f"reports/theory/{setting}/tables/{{table}}.csv", table=part.tables
                ),

        rule:
            name:
                f"figure_{name}{suffix}"
            input:
                expand(
                    f"reports/theory/{setting}/figures/{{figure}}.svg",
                    figure=part.figures,
                ),

    rule:
        name:
            f"theory{suffix}"
        input:
            f"reports/theory/{setting}/index.html",
