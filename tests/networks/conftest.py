"""TensorFlow's threads can be pinned only before its first work in a process; these tests are the first to do any."""

from medcnn.core.seeding import pin_tensorflow

pin_tensorflow(0)
