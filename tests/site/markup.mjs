// html-validate over a page as the server sends it.

import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended", "html-validate:document"],
  rules: {
    // Matters of taste, decided otherwise: templates are written for people, and their output is compressed.
    "no-trailing-whitespace": "off",
    "long-title": "off",
    "void-style": "off",
    "attribute-boolean-style": "off",
    "doctype-style": "off",
    // Lists without bullets keep their role in one browser only when it is said.
    "no-redundant-role": "off",
    // A scrolling box that takes the focus is a region with a name, and no section of the text.
    "prefer-native-element": ["error", { exclude: ["region", "list"] }],
    "require-sri": ["error", { target: "crossorigin" }],
    // A list may have a name.
    "aria-label-misuse": ["error", { allowAnyNamable: true }],
    "form-dup-name": ["error", { shared: ["radio", "checkbox", "submit", "button"] }],
  },
});

/** What is wrong in the page's HTML, one line a fault. */
export async function faults(html) {
  const report = await validator.validateString(html);
  return report.results.flatMap((result) =>
    result.messages.map((it) => `${it.line}:${it.column} ${it.ruleId}: ${it.message}`),
  );
}
