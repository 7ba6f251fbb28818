"""``metrics/*.json`` as typed records, for whoever writes them and whoever reads them."""
