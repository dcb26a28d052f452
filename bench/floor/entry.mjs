/** The entry module of the floor: its handler and its object as they are. */
import * as rust from './index.js';

export default { fetch: (request, env, context) => rust.fetch(request, env, context) };
export const Floor = rust.Floor;
