"""Components over the modules of `assets/js`, one module each."""
