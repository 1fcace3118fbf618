"""One file per drug or close family.  A drug sets concentrations; what they do to cells stands in `endocrine`."""
