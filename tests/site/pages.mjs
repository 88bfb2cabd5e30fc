// The pages that are looked at: one of each template, and models that together show every section.

/** Pages of the suite. `status` where it is not 200. */
export const TEMPLATES = [
  { path: "/" },
  { path: "/models" },
  { path: "/models?view=list" },
  { path: "/models?mode=image-edit&provider=fal&sort=price" },
  { path: "/models?q=nothing-is-called-this" },
  { path: "/compare/openai/gpt-image-1.5/google/gemini-3-pro-image-preview/black-forest-labs/flux.2-pro" },
  { path: "/models/openai/gpt-image-1.5" },
  { path: "/models/pictor/mock-image" },
  { path: "/models/openai/dall-e-3" },
  { path: "/arena" },
  { path: "/leaderboard" },
  { path: "/leaderboard?board=competition:geometric-composition&price=0.02" },
  { path: "/gallery" },
  { path: "/docs" },
  { path: "/docs/arena" },
  { path: "/docs/quick-start" },
  { path: "/docs/errors" },
  { path: "/docs/api/generate-images" },
  { path: "/docs/api/list-requests" },
  { path: "/search?q=seedream" },
  { path: "/playground" },
  { path: "/playground?models=gpt-image-1.5,gpt-image-2&mode=edit&prompt=gulls" },
  { path: "/app/sign-in" },
  { path: "/licenses" },
  { path: "/models/openai/no-such-model", status: 404 },
];

/** The page of every model, and whether nobody runs the model any more. */
export async function everyModel(server) {
  const answer = await fetch(`${server.openaiUrl}/models`, { headers: { authorization: `Bearer ${server.key}` } });
  const known = new Set(TEMPLATES.map(({ path }) => path));
  const { data } = await answer.json();
  return data.map((model) => ({ path: model.model_page_path, isRetired: model.model_status === "retired" })).filter(({ path }) => path && !known.has(path));
}
