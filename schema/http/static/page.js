"use strict";
(() => {
  const root = document.getElementById("graphiql");
  const endpoint = root.dataset.endpoint;

  const welcome = `# Ask here, read on the right.
# Ctrl-Enter runs, Ctrl-Space completes;
# the book icon opens the documentation.
#
# To act as somebody, paste your token
# below, under Headers:
#   { "Authorization": "Bearer …" }

query Hello {
  __typename
}
`;

  // The server answers a subscription with events, and all else with one JSON object.
  const accept = "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.8";

  const fetcher = async (params, options) => {
    const stop = new AbortController();
    const response = await fetch(endpoint, {
      method: "POST",
      credentials: "omit",
      headers: { ...options?.headers, "Content-Type": "application/json", Accept: accept },
      body: JSON.stringify(params),
      signal: stop.signal,
    });
    const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
    return isStream ? events(response, stop) : response.json();
  };

  async function* events(response, stop) {
    try {
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        text += value;
        const blocks = text.split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          if (block.startsWith("event: complete")) return;
          const data = block.match(/^data: (.+)$/m);
          if (data) yield JSON.parse(data[1]);
        }
      }
    } finally {
      stop.abort();
    }
  }

  root.textContent = "";
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultQuery: welcome,
      defaultHeaders: '{\n  "Authorization": ""\n}',
      defaultEditorToolsVisibility: "headers",
      shouldPersistHeaders: false,
    }),
  );
})();
