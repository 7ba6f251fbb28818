"""medcnn: compare CNNs on a medical image set, reproducibly."""
