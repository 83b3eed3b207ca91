# Table of contents. The default study is params/demo.yaml; another one is named after the targets,
#     snakemake all --configfile params/fashion.yaml
# since --configfile takes every word that follows it. `snakemake theory` makes the theory studies of
# params/theory.yaml, whatever study is named. Machine settings are in workflow/profiles/.


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/identifiability.smk"


rule all:
    default_target: True
    input:
        rules.report.output.page,
        rules.report.input.results,
        rules.tables.input,
