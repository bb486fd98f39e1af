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

  const isSubscription = (params, options) =>
    (options?.documentAST?.definitions ?? []).some(
      (definition) =>
        definition.kind === "OperationDefinition" &&
        definition.operation === "subscription" &&
        (!params.operationName || definition.name?.value === params.operationName),
    );

  const post = (params, options, accept, signal) =>
    fetch(endpoint, {
      method: "POST",
      credentials: "omit",
      headers: { ...options?.headers, "Content-Type": "application/json", Accept: accept },
      body: JSON.stringify(params),
      signal,
    });

  async function* events(params, options) {
    const stop = new AbortController();
    try {
      const response = await post(params, options, "text/event-stream", stop.signal);
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        yield await response.json();
        return;
      }
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

  const fetcher = async (params, options) =>
    isSubscription(params, options)
      ? events(params, options)
      : (await post(params, options, "application/graphql-response+json, application/json;q=0.9")).json();

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
