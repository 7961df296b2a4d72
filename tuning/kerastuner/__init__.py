"""The zoo inside keras-tuner, and keras-tuner inside the zoo: hypermodel, oracle, tuner, chief."""
