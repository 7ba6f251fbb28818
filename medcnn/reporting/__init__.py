"""`medcnn checklist`: what journals ask of a study, answered as far as the pipeline knows."""
