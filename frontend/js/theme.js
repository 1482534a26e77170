// Before the page is painted: the saved choice of light or dark.
try {
  const theme = localStorage.getItem("site:theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* as the device */ }
