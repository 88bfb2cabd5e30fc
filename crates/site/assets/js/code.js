// What the form says: as fields of a request, and as code for the first of the chosen models.
/** The fields that are filled in: name, text, and the models that take it (all when nothing is said). */
export function filledIn(form) {
  const found = [];
  for (const it of form.elements) {
    if (!it.name || it.form !== form || ["model", "response_format", "image", "mask"].includes(it.name) || it.disabled) continue;
    if ((it.type === "radio" && !it.checked) || !it.value.trim()) continue;
    found.push({ name: it.name, text: it.value, takers: it.closest("[data-takers]")?.dataset.takers.split(" "), kind: it.type === "number" || ["true", "false"].includes(it.value) ? "json" : "text" });
  }
  return found;
}

/** Fields as the body of a request has them. */
export const typed = (fields) => Object.fromEntries(fields.map((one) => [one.name, one.kind === "json" ? JSON.parse(one.text) : one.text]));

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

export function code(root, fields, models, mode, inputs) {
  const it = root.querySelector("[data-code]"), model = models[0];
  if (!it || !model) return;
  const own = fields.filter((one) => !one.takers || one.takers.includes(model.id));
  const lines = [`curl ${location.origin}/openai/v1/images/${mode === "generate" ? "generations" : "edits"}`, `-H "Authorization: Bearer $PICTOR_API_KEY"`];
  if (mode === "generate") {
    const body = { model: model.id, ...typed(own) };
    lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body, null, 2))}`);
  } else {
    lines.push(`-F model=${quoted(model.id)}`);
    for (const image of inputs.images()) lines.push(`-F ${quoted(`image[]=@${image.name || "image.png"}`)}`);
    if (!inputs.images().length) lines.push("-F 'image[]=@input.png'");
    if (inputs.theMask()) lines.push("-F mask=@mask.png");
    for (const one of own) lines.push(`-F ${quoted(`${one.name}=${one.text}`)}`);
  }
  it.textContent = lines.join(" \\\n  ");
}
