# One static binary on an empty file system. `docker build -t tagwatch:0.1.0 .`
FROM rust:1.95.0-alpine3.23 AS build
# jemalloc is built by make.
# Root certificates are for the rule outdated-image alone, which asks registries.
RUN apk add --no-cache ca-certificates make
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY crates crates
COPY e2e e2e
# Alpine's own target is musl. Named, so that the flags reach the binary and not the build scripts.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
    && cargo build --locked --release --package tagwatch --features jemalloc --target "$target" \
    && cp "target/$target/release/tagwatch" /tagwatch

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /tagwatch /tagwatch
COPY LICENSE /LICENSE
# Numeric, so that the kubelet can check runAsNonRoot.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/tagwatch"]
CMD ["run"]
