// Sets the theme before the first paint. A classic script file, because the page's policy forbids inline script.
(function () {
  var choice = 'system'
  try { choice = localStorage.getItem('weir-theme') || choice } catch (e) { /* storage is blocked: the system's preference holds */ }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
