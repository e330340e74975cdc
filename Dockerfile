# One static binary on an empty file system. `docker build -t tagwatch:0.1.0 .`
FROM rust:1.95.0-alpine3.23 AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY e2e e2e
# The Alpine toolchain's own target is musl, linked statically.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package tagwatch \
    && cp target/release/tagwatch /tagwatch

FROM scratch
COPY --from=build /tagwatch /tagwatch
COPY LICENSE /LICENSE
# Numeric, so that the kubelet can check runAsNonRoot.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/tagwatch"]
CMD ["run"]
