"""gettext catalogues of the desk: one folder for each language, English in the code."""
