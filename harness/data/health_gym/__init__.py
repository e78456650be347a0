"""The three data sets of the Health Gym (Kuo et al., Sci Data 2022;9:693): schemas and published statistics."""

CITATION = (
    "Kuo NI-H, Polizzotto MN, Finfer S, et al. The Health Gym: synthetic health-related datasets for the development "
    "of reinforcement learning algorithms. Sci Data 2022;9:693"
)

PHYSIONET = (
    "PhysioNet, project synthetic-mimic-iii-health-gym 1.0.0 (doi 10.13026/p0tv-0r98): credentialed access, so sign "
    "in there, complete the training, sign the agreement and download it yourself"
)
