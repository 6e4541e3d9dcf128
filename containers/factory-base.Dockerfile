# The base of every factory image: git, Python, the pinned agent CLIs, the Patch Manager and the runner.
# Build context: the root of the repository, after `node containers/agent-runner/build.ts`.
FROM node:22-bookworm-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends git ca-certificates ripgrep python3 tini sudo \
 && rm -rf /var/lib/apt/lists/*

# Agents run as "agent", everything else as "runner", which may become "agent" and nobody else. They share the group of the
# agent, so that the runner reads what the agent wrote; the agent reads nothing of the runner. The agent has no home of its own:
# every run brings one, and takes it away.
RUN groupadd --gid 10001 agent && useradd --uid 10001 --gid agent --no-create-home --home-dir /nonexistent --shell /bin/bash agent \
 && groupadd --gid 10000 runner && useradd --uid 10000 --gid runner --groups agent --create-home --shell /bin/bash runner \
 && chmod 0700 /home/runner \
 && printf 'Defaults:runner !env_reset, !secure_path, !requiretty, !use_pty\nrunner ALL=(agent) NOPASSWD:SETENV: ALL\n' > /etc/sudoers.d/runner \
 && chmod 0440 /etc/sudoers.d/runner \
 && mkdir -p /opt/vibehq /var/lib/vibehq && chown runner:runner /var/lib/vibehq && chmod 0711 /var/lib/vibehq

# A layer of its own, because it is the large one and changes with the pinned versions only.
COPY containers/agent-runner/dist/image-setup.mjs /opt/vibehq/setup/image-setup.mjs
RUN node /opt/vibehq/setup/image-setup.mjs /opt/vibehq && chmod -R a+rX /opt/vibehq && npm cache clean --force && rm -rf /root/.npm /root/.cache

COPY containers/patch-manager /opt/vibehq/patch-manager
RUN python3 -m compileall -q /opt/vibehq/patch-manager
COPY containers/bin /opt/vibehq/bin
COPY containers/agent-runner/dist/runner.mjs /opt/vibehq/runner/runner.mjs

ENV PATH=/opt/vibehq/bin:$PATH \
    VIBEHQ_IN_CONTAINER=1 \
    VIBEHQ_CACHE=/var/lib/vibehq \
    VIBEHQ_CLI_CACHE=/opt/vibehq \
    HEALTH_PORT=8080

USER runner
WORKDIR /home/runner
EXPOSE 8080
# 503 when the orchestrator has not answered this runner for 90 s.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HEALTH_PORT + '/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--", "node", "/opt/vibehq/runner/runner.mjs"]
