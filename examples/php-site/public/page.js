// Shows what molva brings. It says nowhere who the user is: the browser sends the site's cookie along, and molva asks
// the site.

const { molva } = document.querySelector("#page").dataset;
const { connect } = await import(`${molva}/molva.js`);
const client = connect(`${molva.replace("http", "ws")}/ws`);

client.on("state", ({ state }) => {
  document.querySelector("#state").textContent = state;
  document.querySelector("#state").dataset.state = state;
});

client.on("message", ({ data: { from, text } }) => {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = from;
  item.append(name, ` thanks you for ${text}`);
  document.querySelector("#thanks").prepend(item);
  document.querySelector("#none").hidden = true;
});
