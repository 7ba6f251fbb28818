"""The exported models in the browser: what the page ``plots/report/try.html`` needs, gathered and served."""
