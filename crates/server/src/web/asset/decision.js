// What opens the question stands behind the # of the link, and goes into the form from there.
"use strict";
const form = document.getElementById("open");
const key = location.hash.slice(1);
if (form && key) {
  history.replaceState(null, "", location.pathname);
  form.elements.key.value = key;
  form.submit();
}
