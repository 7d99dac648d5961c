/**
 * Words by what they mean for keywords. Chosen by rule of thumb and on the tuning halves of the labelled captions only
 * (docs/keywords.md).
 */
const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Verbs that frame another verb, or say that something is the case, is had, meant or shown: no action themselves. */
export const emptyVerbs: ReadonlySet<string> = words(
  `be have begin start continue keep try attempt manage proceed end finish cease conclude commence resume decide
  seem happen occur remain stay become contain include depict feature consist involve comprise use want need wish
  know think believe consider realize understand remember forget learn notice see observe witness hear feel enjoy
  love like hate prefer hope expect intend plan wear belong exist represent mean let cause result require allow
  enable ensure maintain cover surround border flank resemble lack own possess deserve matter indicate suggest
  involve concern relate depend correspond equal conform estimate presume appear-to fail refuse prepare get make-up
  avoid prevent act cost weigh measure last locate situate seat base equip capture film record set-in title name
  illustrate highlight portray describe-as call entitle mark reflect reveal date face own`,
);

/** Postures: a change only with a particle ("sits down", "holds up"). */
export const postureVerbs: ReadonlySet<string> = words(
  "sit stand lie kneel crouch squat lean hang hold rest face lounge recline perch grip grasp clutch line sleep",
);

/** Particles that make a posture a change. */
export const changeParticles: ReadonlySet<string> = words("up down off out over back on together apart");

/** Verbs whose "to ..." does not happen, or not yet. */
export const unrealVerbs: ReadonlySet<string> = words(
  "want need wish hope plan prepare intend expect refuse fail forget ask wait like love threaten promise invite",
);

/** Verbs whose "...ing" does not happen, or that say that it ends. */
export const endingVerbs: ReadonlySet<string> = words("stop avoid prevent cease quit finish enjoy");

/** States that participles name when no "by" says who acts. */
export const statives: ReadonlySet<string> = words(
  `dress park locate situate seat cover fill surround crowd pack tint decorate paint print write draw name call title
  line flank border equip clothe position mount attach connect damage lock close open shut spread bend cross fold
  raise hold outstretch lower wrap involve see show use make base relate interest know set place concern apply burn
  illuminate light depict display generate animate style stack pile`,
);

/** Of these the ones that are no event in any form but "is being parked". */
export const lastingStates: ReadonlySet<string> = words(
  "park locate situate seat dress position base equip flank crowd clothe title call entitle surround",
);

/** Subjects that show instead of acting. */
export const mediaNouns: ReadonlySet<string> = words(
  `video clip film movie footage shot scene screen camera picture image photo view frame animation disc display sign
  title text caption map montage recording advertisement commercial credit logo slide graphic`,
);

/** Nouns of visible events, counted wherever they stand by themselves. */
export const eventNouns: ReadonlySet<string> = words(
  `collision crash explosion handshake accident eruption impact sneeze fight rollover near-miss blast smash
  pile-up head-on-collision detonation somersault backflip cartwheel handstand stumble applause conversation fade-in
  fade-out dissolve swerve skid tackle brawl scuffle kiss hug leap knockout touchdown takeoff landing overtaking
  celebration wrestling gunshot earthquake avalanche avulsion derailment fistfight stroke vault capsizing rear-end
  mishap punch slap kick`,
);

/** Nouns that name an event only in a caption without a verb ("a sudden flash above the harbour"). */
export const verblessEvents: ReadonlySet<string> = words(
  `flash fall jump splash goal wave dive throw dance performance flip spin race parade ride walk drive climb turn swing
  duel chase pass catch pour burst flight arrival departure opening closing eclipse sunrise sunset storm lightning`,
);

/** Verbs that carry an event noun: "takes a sip", "comes to a stop". */
export const lightVerbs: ReadonlySet<string> = words(
  "take give make do have perform execute throw deliver land come go get pull bring let",
);

/** Nouns of the same form as the verb that says the same, as objects of light verbs. */
export const verbalNouns: ReadonlySet<string> = words(
  `kick punch pat push pull shove hug kiss sip bite lick jump leap hop skip turn step look glance peek swing spin twirl
  dive flip roll bow wave nod smile grin laugh walk run jog stroll ride drink shrug sneeze cough yawn stretch slide
  dance slap tap poke tug twist shake squeeze toss pass fall stumble trip climb swim stab splash scratch rub stir cut
  flick puff drag drop slam stomp clap cheer salute wink stop halt knock press sniff chew slice swipe strike hit crash
  dash sprint lunge sweep scrub wash wipe brush stroke pinch swerve somersault cartwheel backflip tackle dunk serve
  lift throw chop dig search rest jab headbutt pounce lap touch stir scoop sprinkle rinse pose sigh gasp tumble gulp glimpse swig grab`,
);

/** Of these a noun phrase behind "of" is the object: "a flick of the switch". */
export const takesObject: ReadonlySet<string> = words(
  `kick push pull shove lick bite sip toss flick tap slap poke tug twist shake squeeze press slam swipe stir wave clap
  throw wipe brush cut lift drink scoop slice chop rub stroke puff swing flip wash`,
);

/** Nouns of portions: what they are portions of is meant. */
export const portions: ReadonlySet<string> = words(
  `piece slice slab chunk pair half rest part bit bunch group number lot couple handful pinch series set kind type sort
  strip sheet some all both many several few each one two three four five six seven eight nine ten dozen stick clove
  head amount dab drop spoonful portion most any variety stack pile row`,
);

/** Nouns of time, way and manner, which follow a verb without being its object. */
export const adjuncts: ReadonlySet<string> = words(
  `time second minute hour moment day while way bit meter metre mile lap home today night morning evening
  afternoon week month year round forward backward leftward rightward left right direction distance place rest turn
  degree step foot-first self other feet-first course`,
);

/** Verbs of cognition, emotion and state (by WordNet) that nevertheless can be seen. */
export const visibleStates: ReadonlySet<string> = words(
  `read practice study examine check pick shape catch skip train explore trace measure react group book select choose inspect
  compare review test score frighten startle scare brace tease comfort embrace serve stretch combine pause attend
  accompany hesitate balance swarm storm loom cap wait lap pose camp share separate hover falter match top line up
  focus surprise greet`,
);

/** Verbs before whose bare particle and noun phrase the particle belongs to the verb ("turns on the light"). */
export const particleVerbs: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["on", words("put turn switch try pull flip click slip throw take add pass squirt")],
  [
    "in",
    words("reel hand fill bring pull take push let kick throw pour mix fold tuck plug put stir add dump"),
  ],
  [
    "off",
    words(
      "take turn switch cut knock pull wipe brush shake peel bite break throw kick set tear push blow wash rinse slice rip scrape chop lift put dust show fight snap lop shut fend carry",
    ),
  ],
  [
    "down",
    words(
      "put set knock pull take lay write cut push bring tear hold press turn let pin shut throw tie slam shoot chase",
    ),
  ],
  ["over", words("knock push turn flip tip kick hand roll take run pass throw")],
  [
    "out",
    words(
      "take pull get bring blow stick hold cut pick throw pour put point set scoop lay carry give spit hand spread dig wring squeeze rinse stretch roll reach wipe fish dump kick push let drag",
    ),
  ],
  ["away", words("put throw take give push pull clear wipe wash pack kick")],
  ["back", words("put pull push take bring give throw hold fold bend hand hit kick draw")],
  ["apart", words("break take pull tear push")],
  ["together", words("put rub mix press clap push bring join tie")],
  ["around", words("pass turn swing throw spin toss")],
]);

/** Verbs of going, before which "up the stairs" is a place. */
export const goingVerbs: ReadonlySet<string> = words(
  `climb walk run go ride drive crawl swim fly hike move jump slide come skate ski hop march race jog travel sprint
  look head step`,
);

/** Things that move by themselves, so that "a passing car" is an action. */
export const movers: ReadonlySet<string> = words(
  `car truck van bus taxi vehicle boat ship train tram bicycle bike motorcycle scooter plane airplane aeroplane
  helicopter ball object line dot circle square triangle star disc ribbon rock stone leaf snow water wave light lamp
  flame fire smoke wheel blade fan traffic motorbike suv lorry log building wall balloon rocket sled skateboard kite
  drone flag curtain door crowd`,
);
