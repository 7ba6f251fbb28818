"""What figures on some images say of all such images: confidence intervals, and tests of one model against another.

Groups (patients, joined with duplicates) are the independent units of every method; images of one group may be alike.
A figure, an interval or a p-value that the images do not determine is NaN.

Of the project's own, as no library has them for groups of images: statsmodels has Wilson's interval and McNemar's test
for independent images alone, and neither it nor SciPy has DeLong's and Obuchowski's variances of areas. Tests compare
every method with these libraries where groups have one image, and by simulated studies where they have more.
"""

from medcnn.measures.statistics.comparing import compared
from medcnn.measures.statistics.measuring import measured

__all__ = ["compared", "measured"]
