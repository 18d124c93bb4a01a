// State received from the sandbox, and the current user and chat.
export const world = { me: null, users: new Map(), chats: new Map(), providers: new Map(), commands: {}, next: [], costs: {}, more: [] };
export const here = { chat: null, as: new Map(), replyTo: null };

export const chat = () => world.chats.get(here.chat);
export const sender = () => (chat().type === "private" ? chat().id : here.as.get(here.chat) || chat().members[0]);
export const isMine = (message) => message.from.id === sender();
export const menuOf = () => (world.commands[sender()] || {})[here.chat] || [];
export const isUp = (provider) => provider.mode === "up";
export const someOut = () => [...world.providers.values()].some((each) => !isUp(each));
export const byOffer = (offer) => world.providers.get((offer || "").split("/")[0]);
// Offers that `auto` would try now: the router's answer without the providers that were just unplugged.
export const nextUp = () => world.next.map(byOffer).find((provider) => provider && isUp(provider)) || null;

export function take(state) {
  Object.assign(world, { me: state.me, commands: state.commands, next: state.next, more: state.more_modes });
  world.users = new Map(state.users.map((user) => [user.id, user]));
  world.chats = new Map(state.chats.map((each) => [each.id, { ...each, unread: world.chats.get(each.id)?.unread || 0 }]));
  takeProviders(state);
  if (!world.chats.has(here.chat)) here.chat = state.chats[0].id;
}

export function takeProviders(state) {
  world.next = state.next; world.costs = state.costs || {};
  for (const each of state.providers) world.providers.set(each.name, each);
}
