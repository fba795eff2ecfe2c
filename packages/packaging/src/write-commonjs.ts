/** The second half of `npm run build`. */
import { writeAllCommonJs } from './commonjs.js';

writeAllCommonJs();
