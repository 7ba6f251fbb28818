# Everything installed; `docker run --rm -it -v /data:/data medcnn bash`, then as in README.md.
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git make && rm -rf /var/lib/apt/lists/*
WORKDIR /medcnn
COPY Makefile requirements.txt ./
RUN make install
COPY . .
CMD ["make", "repro"]
