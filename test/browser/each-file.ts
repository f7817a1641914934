// For each file of tests in browsers: lets go of the browser that they share.

import { afterAll } from 'vitest';
import { disconnect } from './browser.js';

afterAll(disconnect);
