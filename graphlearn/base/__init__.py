"""What any command-line program for science needs: files, recipes, workers, commands; no science."""
