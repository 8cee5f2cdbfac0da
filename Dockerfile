FROM python:3.12-slim

WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY emulator emulator
COPY fixtures fixtures
COPY docs docs
RUN pip install --no-cache-dir ".[postgres]" \
    && useradd --create-home emulator \
    && mkdir /data \
    && chown emulator /data

USER emulator
VOLUME /data
EXPOSE 12111
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:12111/_emulator/health', timeout=2)"]
# Containers call it by names that nobody knows here; name yours in place of the star to keep all others out.
CMD ["stripe-emulator", "serve", "--host", "0.0.0.0", "--allow-host", "*", "--data", "/data"]
