"""What figures on some images say of all such images: confidence intervals, and tests of one model against another.

Groups (patients, joined with duplicates) are the independent units of every method; images of one group may be alike.
A figure, an interval or a p-value that the images do not determine is NaN.
"""

from medcnn.measures.statistics.comparing import compared
from medcnn.measures.statistics.measuring import measured

__all__ = ["compared", "measured"]
