#!/usr/bin/env node
import '../dist/netns/main.js';
