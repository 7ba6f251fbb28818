"""TensorFlow's threads can be pinned only before its first work in a process; these tests train in this one."""

from medcnn.core.seeding import pin_tensorflow

pin_tensorflow(0)
