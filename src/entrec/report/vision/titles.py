"""The titles of the tables of a study of methods, which captions and the links of the claims name."""

TABLE_TITLES = {
    "table_1": "Table 1",
    "table_2": "Table 2",
    "table_transfer": "Transfer",
    "table_knn": "Nearest neighbours",
    "table_information": "Entropy and reconstruction",
    "table_methods": "Methods",
}
