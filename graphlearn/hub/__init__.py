"""What comes with the package: data sets, models, their cards; and the check of an installation."""
