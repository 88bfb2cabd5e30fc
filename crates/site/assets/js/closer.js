// Two pictures over each other: an edge that moves between them, and one zoom for both, which follows the pointer.
(() => {
  for (const box of document.querySelectorAll("[data-closer]")) {
    const slide = box.querySelector(".slide"), edge = box.querySelector("[data-edge]"), zoom = box.querySelector("[data-zoomer]");
    for (const it of box.querySelectorAll("[data-scripted]")) it.hidden = false;
    const set = () => {
      slide.style.setProperty("--at", `${edge.value}%`);
      slide.style.setProperty("--zoom", zoom.value);
      slide.classList.toggle("near", zoom.value > 1);
    };
    edge.addEventListener("input", set);
    zoom.addEventListener("input", set);
    slide.addEventListener("pointermove", (e) => {
      const it = slide.getBoundingClientRect();
      slide.style.setProperty("--x", `${100 * (e.clientX - it.left) / it.width}%`);
      slide.style.setProperty("--y", `${100 * (e.clientY - it.top) / it.height}%`);
    });
    set();
  }
})();
