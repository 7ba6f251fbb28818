"""What trainings read of ``params.yaml``, and with them nearly every stage."""
